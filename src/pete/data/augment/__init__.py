"""More rows out of those that are there: other prompts for the same answers, parts of long ones; no answer is ever written anew."""
