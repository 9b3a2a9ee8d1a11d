package fleet

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

func TestTwoWorkersCannotHaveOneName(t *testing.T) {
	s := newScan(t, nil)
	first, err := s.join(t.Context(), Member{Name: "w", Instance: "one", Host: "paris"})
	check(t, err)
	_, err = again(t, s).join(t.Context(), Member{Name: "w", Instance: "two"})
	if !errors.Is(err, ErrNameTaken) || err.Error() == "" {
		t.Fatalf("%v", err)
	}
	first.Leave()
	second, err := s.join(t.Context(), Member{Name: "w", Instance: "two"})
	check(t, err)
	second.Leave()
}

// A name of a worker that died is free once nobody can take it for alive; and if it was
// alive all the same, it finds out.
func TestANameIsFreeAfterTheLease(t *testing.T) {
	s := newScan(t, nil)
	check(t, s.write(t.Context(), memberKey("w"), &Member{Name: "w", Instance: "one", Beat: 7}))
	check(t, s.write(t.Context(), memberKey("old"), &Member{Name: "old", Instance: "four", Beat: 7}))
	began := time.Now()
	n, err := s.join(t.Context(), Member{Name: "w", Instance: "two"})
	check(t, err)
	defer n.Leave()
	st, err := s.Status(t.Context())
	check(t, err)
	if len(st.Workers) != 2 || !st.Workers[0].Silent || st.Workers[1].Silent {
		t.Errorf("of old and w the first is silent: %+v", st.Workers)
	}
	if time.Since(began) < Lease {
		t.Errorf("the name was taken after %v", time.Since(began))
	}
	check(t, s.write(t.Context(), memberKey("w"), &Member{Name: "w", Instance: "three", Beat: 1}))
	select {
	case <-n.ctx.Done():
		if err := context.Cause(n.ctx); !errors.Is(err, ErrNameTaken) {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Error("it does not find out")
	}
}

// The rates of all that send never sum up to more than the scan's, whoever comes, goes
// and dies; and in the end all have the same.
func TestSharesNeverSumUpToMoreThanTheRate(t *testing.T) {
	s := newScan(t, nil)
	const members = 6
	var mu sync.Mutex
	rates := make(map[string]float64) // of those that may send, as they see it
	sum := func() (total float64) {
		for _, r := range rates {
			total += r
		}
		return total
	}
	set := func(name string, rate float64) {
		mu.Lock()
		defer mu.Unlock()
		rates[name] = rate
		if total := sum(); total > s.Spec.Rate*(1+1e-9) {
			t.Errorf("%v packets a second in all: %v", total, rates)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	for i := range members {
		scan := again(t, s)
		wait.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 5))
			for life := 0; ctx.Err() == nil; life++ {
				name := fmt.Sprintf("w%d-%d", i, life)
				n, err := scan.join(t.Context(), Member{Name: name, Instance: newInstance(), Working: true})
				if err != nil {
					t.Error(err)
					return
				}
				n.Drive(func() {}, func(time.Time) {}, func(r float64) { set(name, r) })
				sleep(ctx, time.Duration(random.IntN(6000))*time.Millisecond)
				n.Drive(nil, nil, nil)
				if random.IntN(3) == 0 { // it dies, and gives nothing back
					n.end(errLost)
					<-n.done
					set(name, 0)
				} else {
					set(name, 0)
					n.Leave()
				}
			}
		})
	}
	time.Sleep(15 * time.Second)
	cancel()
	wait.Wait()

	var last []*session
	for i := range 3 {
		n, err := again(t, s).join(t.Context(), Member{Name: fmt.Sprintf("last-%d", i), Instance: newInstance(), Working: true})
		check(t, err)
		defer n.Leave()
		last = append(last, n)
	}
	await(t, "an equal share for each", func() bool {
		for _, n := range last {
			if r := n.Rate(); r < s.Spec.Rate/3-1 || r > s.Spec.Rate/3+1 {
				return false
			}
		}
		return true
	})
}

// A word of ours that reaches the server only when we are back is not another worker's.
func TestALateWordOfOursIsNobodyElses(t *testing.T) {
	s := newScan(t, nil)
	key := memberKey("w")
	check(t, s.write(t.Context(), key, &Member{Name: "w", Instance: "one", Beat: 7}))
	stop := make(chan struct{})
	go func() {
		for beat := uint64(8); ; beat++ {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				s.write(context.Background(), key, &Member{Name: "w", Instance: "one", Beat: beat})
			}
		}
	}()
	defer close(stop)
	n := &session{scan: s, me: Member{Name: "w", Instance: "one"}}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if _, err := n.claim(ctx); errors.Is(err, ErrNameTaken) {
		t.Error(err)
	}
}
