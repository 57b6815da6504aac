package wallet

import "sync"

// bus hands events to pages that listen. A slow listener loses events, never the sender time:
// one that is lost is replaced by an event without alias, which means "look again".
type bus struct {
	mu   sync.Mutex
	next int
	subs map[int]*subscriber
}

type subscriber struct {
	owner Owner
	ch    chan Event
	lost  bool
}

// eventBuffer is how many events a listener may be behind.
const eventBuffer = 64

// Subscribe tells of changes to the owner's wallets until the returned func is called, which
// closes the channel. It never blocks the sender.
func (s *Service) Subscribe(o Owner) (<-chan Event, func()) {
	b := &s.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.subs == nil {
		b.subs = map[int]*subscriber{}
	}
	id := b.next
	b.next++
	sub := &subscriber{owner: o, ch: make(chan Event, eventBuffer)}
	b.subs[id] = sub
	var once sync.Once
	return sub.ch, func() {
		once.Do(func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			delete(b.subs, id)
			close(sub.ch)
		})
	}
}

// tell sends an event of a wallet to its owner's listeners.
func (s *Service) tell(r Record, kind string) {
	s.bus.send(Event{Owner: r.Owner, Network: r.Network, Alias: r.Alias, Kind: kind})
}

func (b *bus) send(e Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, sub := range b.subs {
		if sub.owner != e.Owner {
			continue
		}
		if sub.lost {
			e.Alias = ""
		}
		select {
		case sub.ch <- e:
			sub.lost = false
		default:
			sub.lost = true
		}
	}
}
