package setting_test

import (
	"reflect"
	"strconv"
	"testing"

	"specter/internal/errs"
	"specter/internal/setting"
)

func TestTunnelsAreKeptUntilTheyAreRemoved(t *testing.T) {
	s := setting.New(&drawer{all: map[string]map[string]string{}})
	put := func(list ...setting.Tunnel) error {
		_, err := s.ChangeTunnels(t.Context(), func([]setting.Tunnel) ([]setting.Tunnel, error) { return list, nil })
		return err
	}
	want := []setting.Tunnel{{ID: "a", Target: "me@vps", Listen: "localhost:25441", Proxied: true, Names: []string{"my.example"}}, {ID: "b", Target: "me@other", Local: "127.0.0.1:8332", Remote: "127.0.0.1:8332", Paused: true}}
	if err := put(want...); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Tunnels(t.Context()); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("kept as %+v, %v", got, err)
	}
	var many []setting.Tunnel
	for i := range 11 {
		many = append(many, setting.Tunnel{ID: strconv.Itoa(i)})
	}
	for what, list := range map[string][]setting.Tunnel{"too many": many, "two of one ID": {{ID: "a"}, {ID: "a"}}, "one without ID": {{}}, "too many names": {{ID: "a", Names: make([]string, 11)}}} {
		if err := put(list...); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if got, _ := s.Tunnels(t.Context()); len(got) != 2 {
		t.Errorf("a refused change left %+v", got)
	}
	if err := put(); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Tunnels(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("after removal: %+v, %v", got, err)
	}
}
