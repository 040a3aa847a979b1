"""Reports that can be trusted: conversions measured, judged by listeners trained apart, and told in plain words."""
