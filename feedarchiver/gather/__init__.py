"""Bytes -> articles: seed files now; feeds, pages and sitemaps later."""
