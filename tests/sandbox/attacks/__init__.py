"""Hostile submissions as data, the grader they are run against, and an undefended one where they win."""
