package store

import "fmt"

// Pragma reads a setting of the writing connection.
func Pragma(d *DB, name string) (string, error) {
	var v string
	err := d.w.QueryRow("PRAGMA " + name).Scan(&v)
	return v, err
}

// Limit lets the file grow to so many pages only, as a full disk does.
func Limit(d *DB, pages int) error {
	_, err := d.w.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", pages))
	return err
}

// ReadOnly writes through a connection that may not.
func ReadOnly(d *DB) error {
	_, err := d.r.Exec(`INSERT INTO settings (owner, name, value) VALUES ('', 'x', 'y')`)
	return door(err)
}
