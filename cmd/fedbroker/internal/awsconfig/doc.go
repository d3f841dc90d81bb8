// Package awsconfig edits the AWS configuration file that the AWS command line and the SDKs share.
//
// It owns one block per broker in it, between two comment lines that name the broker, and nothing else: every other byte
// of the file stays as it is, whatever it is. Writing the same profiles again changes nothing.
//
// It refuses a file in which the block cannot be told from the rest (a beginning without an end, two blocks for one
// broker), names and values that the file's readers would not read back as they were meant, and a file that is not text
// or is too large. A profile of the same name outside the block is the person's own: ours is left out and reported.
//
// The file is replaced as a whole or not at all, keeps its mode, and a symbolic link keeps pointing to it.
package awsconfig
