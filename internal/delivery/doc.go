// Package delivery writes temporary credentials as people and programs take them: variables for a shell, a profile for
// the credentials file, JSON for credential_process, and the lines that have this program fetch them. A leaf, so that
// command line and portal hand out the same text.
//
// What is written here is pasted into shells and files. A value of whatever content stays one value: shells get it in
// the quotes in which nothing is special, and a file or a command line that has no such quotes gets no value that would
// need them.
//
// How it fails: with an error where a value cannot be written safely. What holds secrets is a [secret.Text].
package delivery
