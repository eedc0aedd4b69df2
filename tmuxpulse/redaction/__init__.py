"""Secrets in what panes print, and how they are masked before anybody sees them."""
