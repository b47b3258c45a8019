"""What scans found, kept from run to run: entries in a private folder, each under a key of all that influences it."""
