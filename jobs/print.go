package jobs

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"time"

	"healthcode/access"
	"healthcode/credential"
	"healthcode/registry"
	"healthcode/schema"
	"healthcode/web"

	"golang.org/x/sync/errgroup"
)

// MaxSignsPerFile bounds a file of signs, so that any browser opens and prints it; a sign has about 11 kB.
const MaxSignsPerFile = 1000

// printChunk is how many enterprises are read at a time, in two queries.
const printChunk = 500

// Print draws the signs of many enterprises into a folder: files of pages of A4 with a list for each, index.csv of everybody and
// index.html. It never holds more than one file in memory. A run that was stopped is taken up where its last whole file ends.
type Print struct {
	DB       *schema.DB
	Keys     *credential.KeySet // a code that these do not verify is not printed
	Clock    func() time.Time
	Dir      string
	Filter   schema.EnterpriseFilter // region, tier, colour
	Codes    []registry.USCC         // just these, in this order, instead of Filter; nil means by Filter
	Size     web.SignSize
	SVG      bool // a file for each page, instead of HTML with many pages
	PerFile  int  // signs in a file, 1 to MaxSignsPerFile
	Lang     web.Language
	Sample   bool // the data are invented
	Restart  bool // throw away what an earlier run left in the folder
	Workers  int  // how many draw at once; 0 means one for each processor
	Progress func(done, enterprises int64)
}

// PrintResult counts what a finished run found.
type PrintResult struct {
	Signs   int64 `json:"signs"`
	Files   int   `json:"files"`
	Without int64 `json:"without_code"` // enterprises without a valid printed code
	Unknown int64 `json:"unknown"`      // codes of the list that the register does not have
	Resumed bool  `json:"resumed"`      // an earlier run had done a part
}

// printTask is an enterprise on its way: read, drawn by one of the workers, written in the order of reading.
type printTask struct {
	position string // where the reading stood; positions rise by bytes
	uscc     registry.USCC
	name     string
	region   string        // its division's code
	codes    []schema.Code // newest first
	unknown  bool          // not in the register

	done   chan struct{} // closed when the rest is set
	code   *Printed      // nil without one
	drawn  []byte
	failed error
}

// RunOnce prints everything, or what an interrupted run left. ErrPrinted when the folder holds a finished run or another one.
func (j *Print) RunOnce(ctx context.Context) (*PrintResult, error) {
	folder, err := j.openFolder(ctx)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(j.work(ctx, folder), folder.close()); err != nil {
		return nil, err
	}
	return &PrintResult{Signs: folder.Signs, Files: len(folder.Files), Without: folder.Without, Unknown: folder.Unknown, Resumed: folder.resumed}, nil
}

// work reads, draws and writes at once. A worker's queue is short and the writer's a little longer, so memory stays flat however many
// signs there are, and no worker waits while a file is written.
func (j *Print) work(ctx context.Context, folder *printFolder) error {
	workers := j.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	group, ctx := errgroup.WithContext(ctx)
	undrawn, ordered := make(chan *printTask, workers), make(chan *printTask, 64*workers)
	group.Go(func() error {
		defer close(undrawn)
		defer close(ordered)
		return j.read(ctx, folder.After, undrawn, ordered)
	})
	for range workers {
		group.Go(func() error {
			for task := range undrawn {
				task.draw(j)
			}
			return nil
		})
	}
	group.Go(func() error { return j.write(ctx, folder, ordered) })
	return group.Wait()
}

// read gives each enterprise after a position to the workers and, in order, to the writer.
func (j *Print) read(ctx context.Context, after string, undrawn, ordered chan<- *printTask) error {
	for task, err := range j.tasks(ctx) {
		if err != nil {
			return err
		}
		if task.position <= after {
			continue
		}
		for _, queue := range []chan<- *printTask{undrawn, ordered} {
			select {
			case queue <- task:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}

// draw checks the code and draws the sign.
func (t *printTask) draw(j *Print) {
	defer close(t.done)
	code, err := NewestPrinted(t.codes, j.Keys, j.Clock())
	t.codes = nil
	if errors.Is(err, ErrNoPrintedCode) {
		return
	}
	if err != nil {
		t.failed = fmt.Errorf("%s: %w", t.uscc, err)
		return
	}
	sign, err := code.Sign(t.name, j.Sample)
	if err != nil {
		t.failed = fmt.Errorf("%s: %w", t.uscc, err)
		return
	}
	t.code, t.drawn = code, sign.Drawn()
}

// write takes the signs in their order.
func (j *Print) write(ctx context.Context, folder *printFolder, ordered <-chan *printTask) error {
	total, err := j.total(ctx)
	if err != nil {
		return err
	}
	if err := folder.begin(); err != nil {
		return err
	}
	for task := range ordered {
		<-task.done
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if task.failed != nil {
			return task.failed
		}
		if err := folder.add(task); err != nil {
			return err
		}
		if j.Progress != nil {
			j.Progress(folder.seen(), total)
		}
	}
	if ctx.Err() != nil { // the reader stopped before the end
		return ctx.Err()
	}
	return folder.finish()
}

// total is how many enterprises will be looked at.
func (j *Print) total(ctx context.Context) (int64, error) {
	if j.Codes != nil {
		return int64(len(j.Codes)), nil
	}
	n, err := j.DB.CountEnterprisesOf(ctx, access.Everything(), j.Filter)
	if err != nil {
		return 0, fmt.Errorf("count enterprises: %w", err)
	}
	return int64(n), nil
}

// tasks iterates over the enterprises to print in the order of their divisions and codes, or over the list as it is.
func (j *Print) tasks(ctx context.Context) iter.Seq2[*printTask, error] {
	if j.Codes != nil {
		return j.listed(ctx)
	}
	return func(yield func(*printTask, error) bool) {
		filter := j.Filter
		filter.Sort, filter.Limit = schema.SortRegion, printChunk
		for {
			page, err := j.DB.EnterprisePage(ctx, access.Everything(), filter)
			if err != nil {
				yield(nil, fmt.Errorf("read enterprises: %w", err))
				return
			}
			chunk := make([]*printTask, len(page.Items))
			for i, item := range page.Items {
				e := item.Enterprise
				chunk[i] = newPrintTask(e.RegionCode+"/"+string(e.USCC), e)
			}
			if !j.yieldChunk(ctx, chunk, yield) || page.Next == "" {
				return
			}
			filter.Cursor = page.Next
		}
	}
}

// listed iterates over the list. Its positions are numbers, written so that they sort.
func (j *Print) listed(ctx context.Context) iter.Seq2[*printTask, error] {
	return func(yield func(*printTask, error) bool) {
		number := 0
		for codes := range slices.Chunk(j.Codes, printChunk) {
			page, err := j.DB.EnterprisePage(ctx, access.Everything(), schema.EnterpriseFilter{Codes: codes, Limit: printChunk})
			if err != nil {
				yield(nil, fmt.Errorf("read enterprises: %w", err))
				return
			}
			known := make(map[registry.USCC]*registry.Enterprise, len(page.Items))
			for _, item := range page.Items {
				known[item.Enterprise.USCC] = item.Enterprise
			}
			chunk := make([]*printTask, len(codes))
			for i, code := range codes {
				number++
				position := fmt.Sprintf("%09d", number)
				if e := known[code]; e != nil {
					chunk[i] = newPrintTask(position, e)
				} else {
					chunk[i] = newPrintTask(position, &registry.Enterprise{USCC: code})
					chunk[i].unknown = true
				}
			}
			if !j.yieldChunk(ctx, chunk, yield) {
				return
			}
		}
	}
}

func newPrintTask(position string, e *registry.Enterprise) *printTask {
	return &printTask{position: position, uscc: e.USCC, name: e.Name, region: e.RegionCode, done: make(chan struct{})}
}

// yieldChunk reads the codes of a chunk and yields it; false when the loop is to end.
func (j *Print) yieldChunk(ctx context.Context, chunk []*printTask, yield func(*printTask, error) bool) bool {
	codes := make([]registry.USCC, len(chunk))
	for i, task := range chunk {
		codes[i] = task.uscc
	}
	found, err := j.DB.PrintedCodes(ctx, codes, j.Clock())
	if err != nil {
		yield(nil, fmt.Errorf("read codes: %w", err))
		return false
	}
	for _, task := range chunk {
		task.codes = found[task.uscc]
		if !yield(task, nil) {
			return false
		}
	}
	return true
}
