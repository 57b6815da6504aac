package demo_test

import (
	"testing"
	"time"

	"specter/internal/chain/demo"
)

func TestOpensInWellUnderASecond(t *testing.T) {
	start := time.Now()
	c, err := demo.Open("", demo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(time.Since(start))
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}
