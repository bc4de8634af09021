"""Reporting: tables, figures and the page that show judged results."""
