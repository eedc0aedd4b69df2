"""The full screen of `watch` and `replay`: a pure model and its picture, and a thin terminal."""
