"""Configurations with which a site's own cluster grades: SLURM and Kubernetes."""
