"""One thin function per command: parse, call the public function, print, leave with an exit code."""
