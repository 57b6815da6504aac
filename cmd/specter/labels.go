package main

import (
	"fmt"

	"specter/internal/interop"
)

type labelsCmd struct {
	Convert labelsConvertCmd `cmd:"" help:"Turn a label file into another format."`
}

// fileArg is the argument of the verbs that read a foreign file.
type fileArg struct {
	common
	File string `arg:"" optional:"" help:"The file as @file; - or none reads standard input. Texts of QR codes, one a line, are read too."`
}

func (c fileArg) fill(h host, r *request) error {
	if c.JSONL {
		return nil
	}
	data, err := h.inputBytes(c.File)
	r.File = string(data)
	return err
}

type labelsConvertCmd struct {
	fileArg
	From string `help:"bip329, electrum, specter-json or specter-csv; without it the file tells." placeholder:"FORMAT"`
	To   string `help:"bip329, electrum or specter-csv." default:"bip329" placeholder:"FORMAT"`
}

// Help shows how it is used.
func (labelsConvertCmd) Help() string {
	return "The new file goes to standard output, lines that could not be read to standard error.\n\nExample:\n  specter labels convert --from electrum --to bip329 @labels.json > labels.jsonl"
}

// Run answers: the bare file, or JSON where it is asked for.
func (c labelsConvertCmd) Run(h host) error {
	return c.answerFile(h, func(r *request) error {
		r.From, r.To = c.From, c.To
		return c.fill(h, r)
	}, convertLabels)
}

// fileAnswer is an answer that holds a file.
type fileAnswer interface {
	contents() (file string, notes []string)
}

// answerFile answers like answer, but prints a bare file unless JSON is asked for; what there
// is to say beside it goes to standard error.
func (c common) answerFile(h host, fill func(*request) error, do func(request) (any, error)) error {
	if c.JSONL || c.Output == "json" {
		return c.answer(h, fill, do)
	}
	out, err := c.one(fill, do)
	if err != nil {
		return c.refuse(h, err)
	}
	file, notes := out.(fileAnswer).contents()
	for _, n := range notes {
		fmt.Fprintln(h.stderr, "specter:", n)
	}
	_, err = fmt.Fprint(h.stdout, file)
	return err
}

type labelsAnswer struct {
	Format   string          `json:"format"`
	Count    int             `json:"count"`
	File     string          `json:"file"`
	Labels   []interop.Label `json:"labels"`
	Problems []problemField  `json:"problems"`
}

type problemField struct {
	Line    int    `json:"line,omitempty"`
	Message string `json:"message"`
}

func problemFields(list []interop.Problem) []problemField {
	out := []problemField{}
	for _, p := range list {
		out = append(out, problemField{p.Line, p.Text})
	}
	return out
}

func (a labelsAnswer) contents() (string, []string) {
	var notes []string
	for _, p := range a.Problems {
		notes = append(notes, fmt.Sprintf("line %d: %s", p.Line, p.Message))
	}
	return a.File, notes
}

func convertLabels(r request) (any, error) {
	data, err := r.fileBytes()
	if err != nil {
		return nil, err
	}
	f, err := interop.ReadLabels(data, r.From)
	if err != nil {
		return nil, err
	}
	to := r.To
	if to == "" {
		to = "bip329"
	}
	file, err := interop.WriteLabels(f.Labels, to)
	if err != nil {
		return nil, err
	}
	if f.Labels == nil {
		f.Labels = []interop.Label{}
	}
	return labelsAnswer{to, len(f.Labels), string(file), f.Labels, problemFields(f.Problems)}, nil
}
