"""The corpus of carriers: personal data in every form that travels, each beside a twin in which there is none."""
