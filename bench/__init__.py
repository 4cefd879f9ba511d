"""The study: our payload families and the floors we hold ourselves to; uses the instrument in `transcoders.measure`."""
