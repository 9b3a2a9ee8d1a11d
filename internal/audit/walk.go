// Finds all that a server chooses from, by taking away what it chose.

package audit

import "slices"

// without is a list less one element.
func without[T comparable](list []T, v T) []T {
	return slices.DeleteFunc(slices.Clone(list), func(e T) bool { return e == v })
}

// grid finds which of two lists a server chooses from at once: each answer names
// one of each, and both are taken away. When it refuses, one of the two is used
// up; each is then gone on with beside what the other is known to hold.
func grid[A, B comparable](as []A, bs []B, try func([]A, []B) (A, B, bool)) (foundA []A, foundB []B) {
	step := func(offerA []A, offerB []B) bool {
		if len(offerA) == 0 || len(offerB) == 0 {
			return false
		}
		x, y, ok := try(offerA, offerB)
		if !ok || !slices.Contains(offerA, x) || !slices.Contains(offerB, y) {
			return false
		}
		if slices.Contains(as, x) {
			foundA, as = append(foundA, x), without(as, x)
		}
		if slices.Contains(bs, y) {
			foundB, bs = append(foundB, y), without(bs, y)
		}
		return true
	}
	for step(as, bs) {
	}
	if len(foundA) == 0 || len(foundB) == 0 {
		return foundA, foundB
	}
	known := len(foundB)
	for step(foundA[:1], bs) {
	}
	if len(foundB) > known { // so it was the others that it refused
		return foundA, foundB
	}
	for step(as, foundB[:1]) {
	}
	return foundA, foundB
}

// takeAway finds what a server chooses from one list: each answer names one, which is
// taken away, until it refuses what is left.
func takeAway[T comparable](left []T, try func([]T) (T, bool)) (chosen, refused []T) {
	for len(left) > 0 {
		v, ok := try(left)
		if !ok || !slices.Contains(left, v) {
			break
		}
		chosen, left = append(chosen, v), without(left, v)
	}
	return chosen, left
}

// ascending reports whether the chosen ones stand in the order of the offer.
func ascending[T comparable](chosen, offered []T) bool {
	last := -1
	for _, c := range chosen {
		i := slices.Index(offered, c)
		if i < last {
			return false
		}
		last = i
	}
	return true
}

// preference tells whose order decides. Offered is the order of the offer in
// which the chosen ones were found, one after the other. If that does not show
// it, reversed asks with them in the opposite order, but for those that are to
// stay behind: a server of its own order may yet yield to a client's first.
func preference[T comparable](chosen, offered []T, behind func(T) bool, reversed func([]T) (T, bool)) Preference {
	if len(chosen) < 2 {
		return PreferenceUnknown
	}
	if !ascending(chosen, offered) {
		return PreferenceServer
	}
	back := slices.Clone(chosen)
	slices.Reverse(back)
	if last := slices.DeleteFunc(slices.Clone(back), func(c T) bool { return !behind(c) }); len(last) < len(back) {
		back = append(slices.DeleteFunc(back, behind), last...)
	}
	switch got, ok := reversed(back); {
	case !ok:
		return PreferenceUnknown
	case got == back[0]:
		return PreferenceClient
	}
	return PreferenceServer
}
