package exchange

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"healthcode/registry"
)

// RejectedSuffix is added to a file's name for the file of its refused rows.
const RejectedSuffix = ".rejected.csv"

const byteOrderMark = "\xEF\xBB\xBF" // Excel takes a CSV file for UTF-8 only with it

// ErrNotRejectedFile is the reason for not replacing a file that has the name of a file of refused rows but is none.
var ErrNotRejectedFile = errors.New("a file of this name exists and is not one of refused rows")

// RejectedWriter keeps the refused rows of a file beside it, in FILE.rejected.csv: the row, the fields, what is wrong and what
// would be right, then the original columns as they were. Nothing is written when no row is refused; the file appears under its
// name only when Close has everything on disk. It holds what the input held, names of persons too, so it is for its owner's eyes only.
type RejectedWriter struct {
	path    string
	columns []string
	file    *os.File // nil until a row is refused
	out     *bufio.Writer
	csv     *csv.Writer
	count   int
}

// NewRejectedWriter prepares the file of refused rows for an input file with these columns.
func NewRejectedWriter(input string, columns []string) *RejectedWriter {
	return &RejectedWriter{path: input + RejectedSuffix, columns: columns}
}

// Path returns the name of the file of refused rows.
func (w *RejectedWriter) Path() string { return w.path }

// Count returns how many rows were refused so far.
func (w *RejectedWriter) Count() int { return w.count }

// Add writes one refused row with all its problems.
func (w *RejectedWriter) Add(row *Row, problems registry.Problems) error {
	if w.file == nil {
		if err := w.create(); err != nil {
			return err
		}
	}
	w.count++
	fields, wrong, want := joinProblems(problems)
	line := append([]string{strconv.Itoa(row.Origin), fields, wrong, want}, row.original()...)
	return w.write(line)
}

func joinProblems(problems registry.Problems) (fields, wrong, want string) {
	var f, p, s []string
	for _, one := range problems {
		f, p, s = append(f, one.Field), append(p, one.Problem), append(s, one.Want)
	}
	const between = " · "
	return strings.Join(f, between), strings.Join(p, between), strings.Join(s, between)
}

func (w *RejectedWriter) create() error {
	file, err := os.CreateTemp(filepath.Dir(w.path), ".rejected-*")
	if err != nil {
		return fmt.Errorf("create the file of refused rows: %w", err)
	}
	w.file, w.out = file, bufio.NewWriter(file)
	w.csv = csv.NewWriter(w.out)
	if _, err := w.out.WriteString(byteOrderMark); err != nil {
		return fmt.Errorf("write the refused rows: %w", err)
	}
	return w.write(append(append([]string{}, rejectedColumns...), w.columns...))
}

func (w *RejectedWriter) write(line []string) error {
	for i, cell := range line {
		line[i] = Neutralise(strings.ToValidUTF8(cell, "\uFFFD"))
	}
	if err := w.csv.Write(line); err != nil {
		return fmt.Errorf("write the refused rows: %w", err)
	}
	return nil
}

// Close puts the file under its name, in place of an older one. When no row was refused it removes an older one.
func (w *RejectedWriter) Close() error {
	if err := w.mayReplace(); err != nil {
		return errors.Join(err, w.Abort())
	}
	if w.file == nil {
		if err := os.Remove(w.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove the older file of refused rows: %w", err)
		}
		return nil
	}
	w.csv.Flush()
	err := errors.Join(w.csv.Error(), w.out.Flush(), w.file.Sync())
	if err != nil {
		return errors.Join(fmt.Errorf("write the refused rows: %w", err), w.Abort())
	}
	name := w.file.Name()
	err = w.file.Close()
	w.file = nil
	if err = errors.Join(err, os.Rename(name, w.path)); err != nil {
		return errors.Join(fmt.Errorf("put the refused rows in place: %w", err), os.Remove(name))
	}
	return nil
}

// Abort drops what was written. An older file of refused rows stays.
func (w *RejectedWriter) Abort() error {
	if w.file == nil {
		return nil
	}
	name := w.file.Name()
	err := errors.Join(w.file.Close(), os.Remove(name))
	w.file = nil
	if err != nil {
		return fmt.Errorf("drop the refused rows: %w", err)
	}
	return nil
}

// mayReplace allows only an own file to be replaced or removed.
func (w *RejectedWriter) mayReplace() error {
	old, err := os.Open(w.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at the older file of refused rows: %w", err)
	}
	want := []byte(byteOrderMark + strings.Join(rejectedColumns, ",") + ",")
	head := make([]byte, len(want))
	n, err := io.ReadFull(old, head)
	if closeErr := old.Close(); closeErr != nil {
		return fmt.Errorf("look at the older file of refused rows: %w", closeErr)
	}
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("look at the older file of refused rows: %w", err)
	}
	if !bytes.Equal(head[:n], want) {
		return fmt.Errorf("%w: %s", ErrNotRejectedFile, w.path)
	}
	return nil
}
