"""Looking for personal data in files, with the decoder and the detector that look into transfers."""
