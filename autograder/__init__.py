"""The instructor's package: builds the exercises, grades what is handed in, checks the course itself."""
