"""The site of the documentation: what MkDocs needs beside its settings, and a check of diagrams."""
