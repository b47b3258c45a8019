"""From a table of evidence on models with known truth to the constants of the verdict, and how well they carry over."""
