"""How well personal data is found, measured on invented and labelled data, side by side with other tools."""
