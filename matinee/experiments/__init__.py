"""Published results and tutorials, run again beside their published numbers."""
