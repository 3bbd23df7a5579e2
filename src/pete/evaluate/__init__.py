"""How good is it, honestly: held-out likelihood and generations, base beside tuned, kept raw and scored from the log."""
