"""Facts to judgement: what a pane is doing. Pure."""
