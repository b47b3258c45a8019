"""What a pipeline lets through: policy, waivers, and statements about what was scanned."""
