"""Bytes -> articles: seed files, feeds; pages and sitemaps later. What asks for the bytes is web/."""
