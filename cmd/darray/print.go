package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// printers are the values of --format.
var printers = map[string]func(io.Writer, []named) error{"table": printTable, "json": printJSON, "csv": printCSV}

const (
	tableWhole = 40 // rows of a table that is printed whole
	tableEnds  = 5  // rows at each end of a longer one
	tableName  = 32 // characters of a header
)

// printTable prints for people: a scalar alone as its digits, an array alone as NumPy does, arrays of one length as a table.
func printTable(w io.Writer, values []named) error {
	out := bufio.NewWriter(w)
	var columns []named
	for _, v := range values {
		if shape := v.block.Shape(); len(shape) == 1 && (len(columns) == 0 || shape.Equal(columns[0].block.Shape())) {
			columns = append(columns, v)
		}
	}
	if len(columns) > 1 {
		writeTable(out, columns)
	}
	for _, v := range values {
		switch {
		case len(columns) > 1 && slices.Contains(columns, v):
		case len(v.block.Shape()) == 0:
			if len(values) > 1 {
				fmt.Fprintf(out, "%s = ", v.name)
			}
			fmt.Fprintln(out, v.block.ItemString(0))
		default:
			if len(values) > 1 {
				fmt.Fprintf(out, "%s =\n", v.name)
			}
			fmt.Fprintf(out, "%s\n%s %v\n", v.block, v.block.DType(), v.block.Shape())
		}
	}
	return out.Flush()
}

// writeTable writes names, element types and rows, head ... tail.
func writeTable(out io.Writer, columns []named) {
	n := columns[0].block.Len()
	rows := tableRows(n)
	lines := make([]strings.Builder, 2+len(rows))
	for _, c := range columns {
		cells := append([]string{shorten(c.name), c.block.DType().String()}, c.block.Format(rows)...)
		width := 0
		for _, cell := range cells {
			width = max(width, utf8.RuneCountInString(cell))
		}
		for i, cell := range cells {
			fmt.Fprintf(&lines[i], "%*s  ", width, cell)
		}
	}
	for i := range lines {
		if len(rows) < n && i == 2+tableEnds {
			fmt.Fprintln(out, "...")
		}
		fmt.Fprintln(out, strings.TrimRight(lines[i].String(), " "))
	}
	fmt.Fprintf(out, "%d rows\n", n)
}

// tableRows are the rows that are shown of n.
func tableRows(n int) []int {
	var rows []int
	for i := 0; i < n; i++ {
		if n > tableWhole && i == tableEnds {
			i = n - tableEnds
		}
		rows = append(rows, i)
	}
	return rows
}

// shorten makes one line of a name that fits a header.
func shorten(name string) string {
	return shortenTo(strings.Join(strings.Fields(name), " "), tableName)
}

// shortenTo is one line of at most so many characters, in which control characters can be seen.
func shortenTo(text string, most int) string {
	if strings.ContainsFunc(text, unicode.IsControl) {
		text = strconv.Quote(text)
	}
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}
