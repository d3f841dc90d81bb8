// Package atomicfile replaces files as a whole or not at all: whoever reads meets the old file or the new one, and a crash
// leaves one of them.
package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Write replaces a file. It is made under another name, for its owner alone, and gets its mode before its content is
// seen. Folders that are missing are made for their owner alone.
func Write(file string, content []byte, mode fs.FileMode) (err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".fedbroker-*") // with mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, failed := f.Write(content)
	if err := errors.Join(failed, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}
