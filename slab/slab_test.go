package slab

import "testing"

func TestEachLengthHasTheShortestClassThatHoldsIt(t *testing.T) {
	for n := range MaxLen + 1 {
		class := classOf(n)
		if class < 0 || class >= classes || lengthOf(class) < n || class > 0 && n > 0 && lengthOf(class-1) >= n {
			t.Fatalf("%d bytes: class %d, of %d", n, class, lengthOf(class))
		}
		if waste := lengthOf(class) - n; n > 256 && waste*5 > lengthOf(class)+step {
			t.Fatalf("%d bytes take %d", n, lengthOf(class))
		}
	}
	for class := range classes {
		if classOf(lengthOf(class)) != class {
			t.Errorf("class %d: its own length is of class %d", class, classOf(lengthOf(class)))
		}
	}
}

func TestWhatIsGivenBackIsLentAgain(t *testing.T) {
	p := Pool{Poison: true}
	a := append(p.Get(100), "abc"...)
	p.Put(a)
	if p.Held() != 128 || a[0] != 0xDD {
		t.Errorf("%d bytes held, which begin with %x", p.Held(), a[0])
	}
	b := p.Get(128)
	if len(b) != 0 || &b[:1][0] != &a[0] || p.Held() != 0 {
		t.Error("other memory than what was given back")
	}
	if n := testing.AllocsPerRun(100, func() { p.Put(p.Get(3000)) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestGrowingGivesTheOldMemoryBack(t *testing.T) {
	var p Pool
	b := append(p.Grow(nil, 60), "begin"...)
	if cap(b) != 64 || &p.Grow(b, 59)[0] != &b[0] {
		t.Errorf("room of %d", cap(b))
	}
	b = p.Grow(b, 60)
	if string(b) != "begin" || cap(b) < 65 || p.Held() != 64 {
		t.Errorf("%q in %d bytes, %d are held", b, cap(b), p.Held())
	}
	var none *Pool
	if b = none.Grow(b, 1000); string(b) != "begin" || cap(b) < 1005 {
		t.Errorf("%q in %d bytes", b, cap(b))
	}
}

func TestWhatAPoolKeepsIsBounded(t *testing.T) {
	var p Pool
	for range 2 * MaxHeld / MaxLen {
		p.Put(make([]byte, MaxLen))
	}
	if p.Held() != MaxHeld {
		t.Errorf("%d bytes held", p.Held())
	}
	for _, n := range []int{0, 1, 100, MaxLen + 1} { // of no class
		p = Pool{}
		if p.Put(make([]byte, n)); p.Held() != 0 {
			t.Errorf("a slice of %d bytes that no Get has made is kept", n)
		}
	}
}

func TestANilPoolKeepsNothing(t *testing.T) {
	var p *Pool
	b := p.Get(10)
	if len(b) != 0 || cap(b) < 10 {
		t.Errorf("%d of %d", len(b), cap(b))
	}
	p.Put(b)
}
