// Package audit keeps one record of every decision ([Log]), checks such a record ([Verify]), and counts the refusals
// of strangers so that they cannot flood it ([Strangers]).
//
// The record is a file of JSON lines of at most 8 KiB, each
//
//	{"seq":N,"prev":"…","event":{…},"hash":"…"}
//
// where hash is the SHA-256, in hex, of the line's bytes before `,"hash"`, and prev is the hash of the line before
// (64 zeros for the first). The bytes themselves are hashed, so there is no canonical form to disagree about.
// Editing, removing, inserting or reordering lines breaks the chain. Removing lines from the end, or rewriting all
// that follows an edit, does not: for that, note the [Head] somewhere else from time to time (the daemon logs it) and
// give the notes to Verify.
//
// Durability: a record is one write(2) to a file opened with O_APPEND and mode 0600 before the answer leaves, so it
// survives the end of the process; Options.Sync adds fsync for each record, so that it survives the machine, at the
// price of a disk flush for each answer. Reopen and Close always sync. After a crash in the middle of a write, Open moves the torn
// last line to FILE.torn-N, which loses nothing, and records that it did. One process at a time may hold a file.
//
// How it fails: Record returns an error when the record is not written, and the caller then issues nothing. A file is
// then repaired at most once a second, and a record of action resume says since when there is a gap; Healthy tells
// whether records are being written. Open
// refuses a file whose last record does not verify. Records hold what broker.Event holds, which has no member for a
// secret.
package audit
