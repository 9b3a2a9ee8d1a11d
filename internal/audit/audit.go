// The machine: which questions are open, and what is done with the answers.

package audit

import (
	"iter"
	"slices"
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
)

// Options say what an audit asks.
type Options struct {
	ServerName     string // for server_name and for the certificate; empty: none is sent
	MaxConnections int    // that are begun; 0: DefaultMaxConnections
	// Short leaves untested, when the report is made, what may take a tenth of a second
	// each: primes of Diffie-Hellman groups that nobody knows, and chains that are long and
	// that no handshake has judged.
	Short bool
	// Time is when the audit is made, for what expires soon; zero: that is not judged.
	Time time.Time
	// Random draws what each ClientHello's random is made of.
	Random func([]byte)
}

// DefaultMaxConnections is enough for any server met so far.
const DefaultMaxConnections = 250

// An Audit asks one server. It is not safe for concurrent use.
type Audit struct {
	o       Options
	tasks   []*task
	stage   int
	asked   int
	over    bool
	why     string // it was stopped
	limiter limiter
	found   found
}

// A task is a line of questions, each of which depends on the answers before
// it. Its code runs as a coroutine, so that it reads as a conversation.
type task struct {
	resume  func() (*Question, bool)
	stop    func()
	answer  *Answer
	pending *Question // to be asked, or asked
	asked   bool      // its answer is still to come, or in doubt
	done    bool
	tries   int           // of the pending question
	gap     time.Duration // between connections when it last had no answer
}

// A Turn is a question to be asked now, and whose it is.
type Turn struct {
	Question *Question
	task     *task // nil: the question is the limiter's
	seq      int
}

// ask puts a question to the server.
type ask func(*Question) *Answer

// New returns an audit that has asked nothing yet.
func New(o Options) *Audit {
	if o.MaxConnections <= 0 {
		o.MaxConnections = DefaultMaxConnections
	}
	a := &Audit{o: o}
	a.found.init()
	a.advance()
	return a
}

// begin starts a task. It runs up to its first question.
func (a *Audit) begin(f func(ask)) {
	t := &task{}
	var questions iter.Seq[*Question] = func(yield func(*Question) bool) {
		open := true
		f(func(q *Question) *Answer {
			switch {
			case !open || a.over:
				return &Answer{}
			case a.spent():
				a.found.gap(q.About, "the budget of connections is spent")
				return &Answer{}
			}
			a.asked++
			if open = yield(q); !open {
				return &Answer{}
			}
			return t.answer
		})
	}
	t.resume, t.stop = iter.Pull(questions)
	a.tasks = append(a.tasks, t)
	a.move(t)
}

// move takes a task to its next question, or to its end.
func (a *Audit) move(t *task) {
	q, ok := t.resume()
	t.pending, t.asked, t.done, t.tries = q, false, !ok, 0
	if t.done {
		t.stop()
	}
}

// advance begins the next stage once all tasks of the one before are done.
func (a *Audit) advance() {
	for a.idle() && a.stage < len(stages) {
		a.tasks = a.tasks[:0]
		begin := stages[a.stage]
		a.stage++
		begin(a)
	}
}

func (a *Audit) idle() bool {
	for _, t := range a.tasks {
		if !t.done {
			return false
		}
	}
	return true
}

// Next returns a question to ask now. There may be none as long as answers are
// awaited.
func (a *Audit) Next() (Turn, bool) {
	if a.limiter.busy() {
		return Turn{}, false
	}
	again := func(t *task) bool { return t.tries > 0 }
	if turn, ok := a.nextOf(again); ok {
		return turn, true
	}
	if l := &a.limiter; len(l.held) > 0 && !a.over && !a.spent() {
		l.repeated++
		return l.begun(Turn{Question: l.control}), true
	}
	return a.nextOf(func(*task) bool { return true })
}

func (a *Audit) nextOf(wanted func(*task) bool) (Turn, bool) {
	for _, t := range a.tasks {
		if t.pending != nil && !t.asked && !t.done && wanted(t) {
			t.asked = true
			return a.limiter.begun(Turn{Question: t.pending, task: t}), true
		}
	}
	return Turn{}, false
}

// resolve decides on questions in doubt, once the server has served one that began
// later. With a limiter, one is asked again before the next is decided on.
func (a *Audit) resolve() {
	l := &a.limiter
	for l.open == 0 {
		i := slices.IndexFunc(l.held, func(h held) bool { return h.seq < l.served })
		if i < 0 {
			return
		}
		h := l.held[i]
		l.held = slices.Delete(l.held, i, i+1)
		if a.decide(h); l.gap > 0 && !h.turn.task.asked {
			return
		}
	}
}

// decide has a question asked again, or takes its answer for the server's own.
func (a *Audit) decide(h held) {
	l := &a.limiter
	if t := h.turn.task; !l.again(t) || a.spent() {
		l.trusted++
		a.settle(h.turn, h.answer)
		return
	}
	if l.repeated++; l.gap > 0 {
		l.due = max(l.due, settling)
	}
	h.turn.task.asked = false
}

// spent reports whether the budget of connections is.
func (a *Audit) spent() bool { return a.Connections() >= a.o.MaxConnections }

// Answer takes the answer to a question that Next has returned.
func (a *Audit) Answer(turn Turn, answer *Answer) {
	l := &a.limiter
	served := l.ended(turn, answer)
	switch t := turn.task; {
	case t == nil: // the control
		a.controlled(answer, served)
	case t.done:
	case a.over || !l.doubt(turn, answer, a.spent()):
		if served && t.tries > 0 && t.gap == l.gap {
			l.slow() // so it was a limiter, at this pace too
		}
		a.settle(turn, answer)
	}
	a.resolve()
	if l.open == 0 && a.spent() && !a.pending() {
		a.giveUp()
	}
}

// pending reports whether there is a question that may be asked now.
func (a *Audit) pending() bool {
	return slices.ContainsFunc(a.tasks, func(t *task) bool { return t.pending != nil && !t.asked && !t.done })
}

// giveUp takes what is in doubt as it is: there is no connection left to find out by.
func (a *Audit) giveUp() {
	held := a.limiter.held
	a.limiter.held = nil
	for _, h := range held {
		h.answer.Doubtful = true
		a.settle(h.turn, h.answer)
	}
}

// controlled takes the answer to the control: without one there is a pause, or
// after many the end.
func (a *Audit) controlled(answer *Answer, served bool) {
	l := &a.limiter
	switch {
	case served:
		l.failures = 0
	case a.over:
	case l.failures == maxFailures:
		a.Stop("the server, or something before it, answers no more")
	case a.spent():
		a.giveUp()
	default:
		l.limited(answer, a.Connections())
	}
}

// settle has a task go on with an answer.
func (a *Audit) settle(turn Turn, answer *Answer) {
	t := turn.task
	if t.done {
		return
	}
	t.answer = answer
	a.found.answered(turn.Question, answer)
	a.move(t)
	a.advance()
}

// Pause is how long to wait before the next question, and zero after that.
func (a *Audit) Pause() time.Duration { return a.limiter.take() }

// Done reports whether there is nothing more to ask.
func (a *Audit) Done() bool { return a.idle() && a.stage == len(stages) }

// Stop ends the audit: what was not asked is said in the report.
func (a *Audit) Stop(why string) {
	if a.Done() {
		return
	}
	a.over, a.why = true, why
	a.found.gap("the rest", why)
	for _, t := range a.tasks {
		if !t.done {
			t.answer = &Answer{}
			t.stop()
			t.done = true
		}
	}
	a.stage = len(stages)
}

// Connections is how many were begun.
func (a *Audit) Connections() int { return a.asked + a.limiter.repeated }

// random draws what the random of a handshake is.
func (a *Audit) random() (r [32]byte) {
	a.o.Random(r[:])
	return r
}

// Encode returns what a question with a Hello, or V2, sends first.
func (a *Audit) Encode(q *Question) []byte {
	if q.V2 {
		return helloV2(a.random())
	}
	return q.Hello.AppendTo(nil, a.random())
}

// stages are begun one after the other; the tasks of each go on at once.
var stages = []func(*Audit){
	func(a *Audit) { a.begin(a.reach) },
	(*Audit).versions,
	(*Audit).choices,
	(*Audit).handshakes,
}

// versions asks what is agreed on in each version.
func (a *Audit) versions() {
	if a.over {
		return
	}
	a.begin(a.walk13)
	for _, v := range []tlsmsg.Version{tlsmsg.VersionTLS12, tlsmsg.VersionTLS11, tlsmsg.VersionTLS10, tlsmsg.VersionSSL30} {
		a.begin(func(ask ask) { a.walk(ask, v) })
	}
	a.begin(a.walkV2)
}
