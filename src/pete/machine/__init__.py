"""The machine Pete runs on: what it is, what it can spare, and how to keep it awake. Every probe is an argument."""
