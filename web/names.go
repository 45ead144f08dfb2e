package web

import (
	"fmt"
	"html/template"
	"text/template/parse"
)

// checkNames walks a template and looks up every phrase ({{.T "key"}}) and asset ({{asset "name"}}) that it names, so that a wrong
// name stops the start and never reaches a reader.
func checkNames(t *template.Template, assets *AssetSet) error {
	if t.Tree == nil {
		return nil
	}
	return walk(t.Tree.Root, func(command *parse.CommandNode) error {
		name, ok := literalArgument(command)
		if !ok {
			return nil
		}
		switch calledName(command.Args[0]) {
		case "T":
			_, err := Translate(Chinese, name)
			return err
		case "asset":
			_, err := assets.URL(name)
			return err
		}
		return nil
	})
}

func literalArgument(command *parse.CommandNode) (string, bool) {
	if len(command.Args) < 2 {
		return "", false
	}
	text, ok := command.Args[1].(*parse.StringNode)
	if !ok {
		return "", false
	}
	return text.Text, true
}

// calledName returns the method or function that a command calls: .T, $.T, $page.T or asset.
func calledName(node parse.Node) string {
	switch n := node.(type) {
	case *parse.FieldNode:
		return n.Ident[len(n.Ident)-1]
	case *parse.VariableNode:
		return n.Ident[len(n.Ident)-1]
	case *parse.IdentifierNode:
		return n.Ident
	}
	return ""
}

// walk calls visit for every command below a node.
func walk(node parse.Node, visit func(*parse.CommandNode) error) error {
	for _, child := range children(node) {
		if err := walk(child, visit); err != nil {
			return err
		}
	}
	if command, ok := node.(*parse.CommandNode); ok {
		if err := visit(command); err != nil {
			return fmt.Errorf("%s: %w", command, err)
		}
	}
	return nil
}

func children(node parse.Node) []parse.Node {
	switch n := node.(type) {
	case *parse.ListNode:
		if n == nil {
			return nil
		}
		return n.Nodes
	case *parse.ActionNode:
		return []parse.Node{n.Pipe}
	case *parse.TemplateNode:
		if n.Pipe == nil {
			return nil
		}
		return []parse.Node{n.Pipe}
	case *parse.IfNode:
		return branch(&n.BranchNode)
	case *parse.RangeNode:
		return branch(&n.BranchNode)
	case *parse.WithNode:
		return branch(&n.BranchNode)
	case *parse.PipeNode:
		nodes := make([]parse.Node, len(n.Cmds))
		for i, c := range n.Cmds {
			nodes[i] = c
		}
		return nodes
	case *parse.CommandNode:
		return n.Args
	}
	return nil
}

func branch(n *parse.BranchNode) []parse.Node {
	nodes := []parse.Node{n.Pipe, n.List}
	if n.ElseList != nil {
		nodes = append(nodes, n.ElseList)
	}
	return nodes
}
