"""QloApps 1.6: its web service as it really is, in both PHP error modes."""
