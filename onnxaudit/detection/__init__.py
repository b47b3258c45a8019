"""Find the label that a backdoor sends images to: inversion, outliers, score."""
