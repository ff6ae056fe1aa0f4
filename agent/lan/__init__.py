"""The one page that a box serves to its centre's LAN: off by default, plain HTTP, works with every line dead."""
