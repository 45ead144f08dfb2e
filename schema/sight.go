package schema

import (
	"strings"

	"healthcode/access"
)

// seen returns the condition that a row is of an enterprise within a sight. region and uscc are the columns of its division and its code.
func seen(sight access.Sight, region, uscc string) (condition string, values []any) {
	if sight.All {
		return "1 = 1", nil
	}
	any := []string{"1 = 0"}
	for _, prefix := range sight.Prefixes {
		any = append(any, region+" >= ? AND "+region+" < ?")
		values = append(values, prefix, prefix+":") // ':' follows '9'
	}
	if len(sight.Owns) > 0 {
		list, codes := listOf(sight.Owns)
		any, values = append(any, uscc+" IN "+list), append(values, codes...)
	}
	return "(" + strings.Join(any, " OR ") + ")", values
}

// seenByCode is seen for a table that has the enterprise's code and not its division. What is of no enterprise in the register is seen by
// nobody whose sight is bounded.
func seenByCode(sight access.Sight, uscc string) (condition string, values []any) {
	if sight.All {
		return "1 = 1", nil
	}
	condition, values = seen(sight, "seen.region_code", "seen.uscc")
	return "EXISTS (SELECT 1 FROM enterprise seen WHERE seen.uscc = " + uscc + " AND " + condition + ")", values
}
