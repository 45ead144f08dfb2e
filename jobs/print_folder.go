package jobs

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"healthcode/exchange"
	"healthcode/registry"
	"healthcode/web"
)

// ErrPrinted says that a folder holds the signs of a finished run, or of an unfinished run that was asked for something else.
var ErrPrinted = errors.New("the folder holds other signs")

// The files of a folder beside sheet-N.html (or sheet-N-PAGE.svg) and list-N.html. The partial ones are gone when a run is finished.
const (
	indexCSV     = "index.csv"
	indexHTML    = "index.html"
	partialIndex = "index.csv.part"
	partialRest  = "rest.csv.part" // enterprises without a code, which the index lists at its end
	printNote    = "print.json"    // how far the run is; written after each whole file
)

// printFolder is the folder of a run. What it exports is kept in print.json.
type printFolder struct {
	Asked   string          `json:"asked"` // digest of what was asked for: a run is taken up only by its like
	After   string          `json:"after"` // position of the last enterprise that is done
	Files   []web.SheetFile `json:"files"`
	Signs   int64           `json:"signs"`
	Without int64           `json:"without"`
	Unknown int64           `json:"unknown"`
	Index   int64           `json:"index"` // bytes of the partial files that belong to what is done
	Rest    int64           `json:"rest"`

	job     *Print
	regions map[string]string // names of divisions
	batch   []*printTask      // the signs of the file that is being filled
	index   *os.File
	rest    *os.File
	resumed bool
}

// openFolder makes the folder ready: new, or as the interrupted run left it after its last whole file.
func (j *Print) openFolder(ctx context.Context) (*printFolder, error) {
	if err := os.MkdirAll(j.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("make the folder: %w", err)
	}
	if j.Restart {
		if err := clearFolder(j.Dir); err != nil {
			return nil, err
		}
	}
	f, err := j.readNote()
	if err != nil {
		return nil, err
	}
	f.job = j
	if f.regions, err = j.regionNames(ctx); err != nil {
		return nil, err
	}
	if f.index, err = openPart(filepath.Join(j.Dir, partialIndex), f.Index); err != nil {
		return nil, err
	}
	if f.rest, err = openPart(filepath.Join(j.Dir, partialRest), f.Rest); err != nil {
		return nil, errors.Join(err, f.index.Close())
	}
	return f, nil
}

// begin writes the head of the index, unless the run goes on with one.
func (f *printFolder) begin() error {
	if f.resumed {
		return nil
	}
	return writeRows(f.index, [][]string{{byteOrderMark + "file", "page", "place", "uscc", "name", "region_code", "region", "issued", "expires", "note"}})
}

// byteOrderMark tells spreadsheets that a CSV file is UTF-8.
const byteOrderMark = "\ufeff"

func (j *Print) regionNames(ctx context.Context) (map[string]string, error) {
	names := map[string]string{}
	for region, err := range j.DB.Regions(ctx) {
		if err != nil {
			return nil, fmt.Errorf("read divisions: %w", err)
		}
		names[region.Code] = region.Name
	}
	return names, nil
}

// readNote finds out what the folder holds.
func (j *Print) readNote() (*printFolder, error) {
	asked, err := j.digest()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(j.Dir, indexCSV)); err == nil {
		return nil, fmt.Errorf("%w: %s is finished; choose another folder, or --restart to print anew", ErrPrinted, j.Dir)
	}
	text, err := os.ReadFile(filepath.Join(j.Dir, printNote))
	if errors.Is(err, fs.ErrNotExist) {
		return &printFolder{Asked: asked}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read how far the run was: %w", err)
	}
	f := &printFolder{resumed: true}
	if err := json.Unmarshal(text, f); err != nil {
		return nil, fmt.Errorf("read how far the run was: %w", err)
	}
	if f.Asked != asked {
		return nil, fmt.Errorf("%w: %s is half of a run with other options; choose another folder, or --restart", ErrPrinted, j.Dir)
	}
	return f, nil
}

// digest is over all options that change the pages.
func (j *Print) digest() (string, error) {
	text, err := json.Marshal(struct {
		Region, Colour, Text, Size string
		Tier                       *registry.Tier
		Codes                      []registry.USCC
		SVG                        bool
		PerFile                    int
		Lang                       web.Language
	}{j.Filter.Region, j.Filter.Colour.String(), j.Filter.Text, j.Size.Name, j.Filter.Tier, j.Codes, j.SVG, j.PerFile, j.Lang})
	if err != nil {
		return "", fmt.Errorf("note the options: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// clearFolder removes what runs make, and nothing else.
func clearFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("look for old signs: %w", err)
	}
	for _, entry := range entries {
		if !madeByRuns.MatchString(entry.Name()) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, entry.Name())); err != nil {
			return fmt.Errorf("remove old signs: %w", err)
		}
	}
	return nil
}

// madeByRuns matches the names of files that runs make.
var madeByRuns = regexp.MustCompile(`^(sheet-\d{5}(-\d{3})?\.(html|svg)|list-\d{5}\.html|index\.(csv|html)|print\.json|(index|rest)\.csv\.part)(\.new)?$`)

// openPart opens a partial file and cuts off what was written after the last whole file of signs.
func openPart(path string, size int64) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the index: %w", err)
	}
	if err := file.Truncate(size); err != nil {
		return nil, errors.Join(fmt.Errorf("cut the index: %w", err), file.Close())
	}
	if _, err := file.Seek(size, io.SeekStart); err != nil {
		return nil, errors.Join(fmt.Errorf("open the index: %w", err), file.Close())
	}
	return file, nil
}

// close lets go of the partial files, which finish may have removed.
func (f *printFolder) close() error { return errors.Join(f.index.Close(), f.rest.Close()) }

// seen counts the enterprises that were looked at.
func (f *printFolder) seen() int64 { return f.Signs + f.Without + f.Unknown + int64(len(f.batch)) }

// add takes an enterprise: its sign goes into the file that is being filled, one without a code among the rest.
func (f *printFolder) add(task *printTask) error {
	if task.code == nil {
		return f.addRest(task)
	}
	f.batch = append(f.batch, task)
	if len(f.batch) < f.job.PerFile {
		return nil
	}
	return f.flush()
}

func (f *printFolder) addRest(task *printTask) error {
	note, count := ErrNoPrintedCode.Error()+" "+string(task.uscc), &f.Without
	if task.unknown {
		note, count = "not in the register", &f.Unknown
	}
	*count++
	return writeRows(f.rest, [][]string{{"", "", "", string(task.uscc), exchange.Neutralise(task.name), task.region, f.regionName(task.region), "", "", note}})
}

// flush writes the file that is full, its list and its rows of the index, and then notes that it is done.
func (f *printFolder) flush() error {
	if len(f.batch) == 0 {
		return nil
	}
	file := web.SheetFile{Number: len(f.Files) + 1, Signs: len(f.batch), First: f.batch[0].name, Last: f.batch[len(f.batch)-1].name}
	var err error
	if file.Name, err = f.writeSigns(file.Number); err != nil {
		return err
	}
	if file.List, err = f.writeList(file.Number); err != nil {
		return err
	}
	if err := writeRows(f.index, f.rows(file.Number)); err != nil {
		return err
	}
	f.Files, f.Signs = append(f.Files, file), f.Signs+int64(len(f.batch))
	f.After = f.batch[len(f.batch)-1].position
	f.batch = f.batch[:0]
	return f.note()
}

// place returns the page and the place on it, from 1, of the nth sign of a file.
func (f *printFolder) place(n int) (page, place int) {
	return n/f.job.Size.PerPage() + 1, n%f.job.Size.PerPage() + 1
}

// writeSigns writes the pages of a file and returns the name to link to, none when each page is a file of its own.
func (f *printFolder) writeSigns(number int) (string, error) {
	var pages [][]byte
	for first := 0; first < len(f.batch); first += f.job.Size.PerPage() {
		signs := f.batch[first:min(first+f.job.Size.PerPage(), len(f.batch))]
		drawn, marks := make([][]byte, len(signs)), make([]string, len(signs))
		for i, task := range signs {
			drawn[i], marks[i] = task.drawn, fmt.Sprintf("%d/%d", number, len(pages)+1)
		}
		pages = append(pages, web.SheetPage(f.job.Size, drawn, marks))
	}
	if !f.job.SVG {
		name := fmt.Sprintf("sheet-%05d.html", number)
		return name, f.replace(name, web.SheetDocument(f.job.Lang, number, pages))
	}
	for i, page := range pages {
		name := fmt.Sprintf("sheet-%05d-%03d.svg", number, i+1)
		if err := f.replaceBytes(name, page); err != nil {
			return "", err
		}
	}
	return "", nil
}

func (f *printFolder) writeList(number int) (string, error) {
	list := web.SheetList{Page: web.Page{Lang: f.job.Lang}, Number: number}
	for i, task := range f.batch {
		page, place := f.place(i)
		list.Rows = append(list.Rows, web.SheetRow{Page: page, Place: place, Name: task.name, USCC: string(task.uscc), Region: f.regionName(task.region)})
	}
	name := fmt.Sprintf("list-%05d.html", number)
	return name, f.replace(name, list)
}

// rows are a file's rows of index.csv.
func (f *printFolder) rows(number int) [][]string {
	rows := make([][]string, len(f.batch))
	for i, task := range f.batch {
		page, place := f.place(i)
		v := &task.code.Verdict
		rows[i] = []string{strconv.Itoa(number), strconv.Itoa(page), strconv.Itoa(place), string(task.uscc), exchange.Neutralise(task.name), task.region,
			f.regionName(task.region), v.IssuedAt.Format(time.RFC3339), v.ExpiresAt.Format(time.RFC3339), ""}
	}
	return rows
}

// regionName names a division from its county down.
func (f *printFolder) regionName(code string) string {
	name := f.regions[code]
	for len(code) > countyDigits {
		code = registry.ParentRegion(code)
		name = f.regions[code] + name
	}
	return name
}

// countyDigits is the length of a county's code; longer ones are divisions of it.
const countyDigits = 6

// note remembers how far the run is. The partial files are on the disk before the note that counts their bytes.
func (f *printFolder) note() error {
	for _, part := range []struct {
		file *os.File
		size *int64
	}{{f.index, &f.Index}, {f.rest, &f.Rest}} {
		var err error
		if *part.size, err = part.file.Seek(0, io.SeekCurrent); err != nil {
			return fmt.Errorf("measure the index: %w", err)
		}
		if err := part.file.Sync(); err != nil {
			return fmt.Errorf("write the index: %w", err)
		}
	}
	text, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("note how far the run is: %w", err)
	}
	return f.replaceBytes(printNote, text)
}

// finish writes the last file, puts the rest at the end of the index, and makes the folder one of a finished run: index.csv comes last.
func (f *printFolder) finish() error {
	if err := f.flush(); err != nil {
		return err
	}
	index := web.SheetIndex{Page: web.Page{Lang: f.job.Lang}, Signs: f.Signs, Files: f.Files, Without: f.Without, Unknown: f.Unknown}
	if err := f.replace(indexHTML, index); err != nil {
		return err
	}
	if _, err := f.rest.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read the rest: %w", err)
	}
	if _, err := io.Copy(f.index, f.rest); err != nil {
		return fmt.Errorf("write the index: %w", err)
	}
	if err := f.index.Sync(); err != nil {
		return fmt.Errorf("write the index: %w", err)
	}
	if err := os.Rename(f.path(partialIndex), f.path(indexCSV)); err != nil {
		return fmt.Errorf("finish the index: %w", err)
	}
	return errors.Join(os.Remove(f.path(partialRest)), removeIfThere(f.path(printNote)))
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (f *printFolder) path(name string) string { return filepath.Join(f.job.Dir, name) }

// replace writes a page of web into a file.
func (f *printFolder) replace(name string, view any) error {
	return f.replaceWith(name, func(w io.Writer) error { return web.WriteSheet(w, view) })
}

func (f *printFolder) replaceBytes(name string, data []byte) error {
	return f.replaceWith(name, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// replaceWith writes a file beside its name and renames it, so that a file with its real name is always whole.
func (f *printFolder) replaceWith(name string, write func(w io.Writer) error) error {
	path := f.path(name)
	file, err := os.Create(path + ".new")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	out := bufio.NewWriterSize(file, 64<<10)
	if err := errors.Join(write(out), out.Flush(), file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func writeRows(w io.Writer, rows [][]string) error {
	table := csv.NewWriter(w)
	if err := table.WriteAll(rows); err != nil {
		return fmt.Errorf("write the index: %w", err)
	}
	return nil
}
