"""A look at some pairs before a night is spent on all: accepted, edited or rejected by a person, each decision kept."""
