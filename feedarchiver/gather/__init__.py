"""Bytes -> articles: seed files, feeds, pages, sitemaps. What asks for the bytes is web/."""
