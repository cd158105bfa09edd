package parquet

import (
	"errors"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
)

// errNullLists is what DuckDB 1.5 writes for columns of its type ARRAY. The library counts the values and does not have them, so that it gives
// the lists that follow the values of others.
var errNullLists = errors.New("has lists that are null and not empty, which Parquet does not allow; where DuckDB wrote it, cast the column from ARRAY to a list first, as x::INTEGER[]")

// checkLists sees that the values of lists are there, at all depths.
func checkLists(a arrow.Array) error {
	if lists, ok := a.(arrowarray.ListLike); ok && a.Len() > 0 {
		if _, end := lists.ValueOffsets(a.Len() - 1); end > int64(lists.ListValues().Len()) {
			return errNullLists
		}
		return checkLists(lists.ListValues())
	}
	if s, ok := a.(*arrowarray.Struct); ok {
		for i := range s.NumField() {
			if err := checkLists(s.Field(i)); err != nil {
				return err
			}
		}
	}
	return nil
}
