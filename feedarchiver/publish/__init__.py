"""Entries -> documents: RSS and Atom."""
