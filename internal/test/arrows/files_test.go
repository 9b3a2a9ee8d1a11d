package arrows

import (
	"go/ast"
	"slices"
	"testing"
)

// makers are calls of package os that create files, or need the rights that creating
// one did. Who may read them, and whose they are, is decided in internal/outfile.
var makers = []string{"Create", "CreateTemp", "OpenFile", "WriteFile", "Rename", "Remove", "RemoveAll", "Mkdir", "MkdirAll", "MkdirTemp", "Link", "Symlink", "Chmod", "Chown", "Lchown", "Truncate"}

// elsewhere are sources that create files without a user's data: the kernel's
// own files, and a lab's. So are all below internal/test.
var elsewhere = []string{"internal/lab/guest.go", "internal/lab/netns/veth.go", "internal/lab/netns/terminal.go", "internal/lab/daemon/dir.go", "internal/lab/daemon/up.go"}

// A file that is created anywhere else may be readable by others by mistake.
func TestOnePlaceDecidesWhoMayReadWhatIsWritten(t *testing.T) {
	for _, f := range sources(t) {
		if f.dir == "internal/outfile" || within(f.dir, "internal/test") || slices.Contains(elsewhere, f.path) {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			call, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if pkg, ok := call.X.(*ast.Ident); ok && pkg.Name == "os" && slices.Contains(makers, call.Sel.Name) {
				t.Errorf("%s uses os.%s: internal/outfile opens what is written", f.path, call.Sel.Name)
			}
			return true
		})
	}
}
