"""Clean samples: from files or made by us, and how their pixels become model inputs."""
