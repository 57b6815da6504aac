//go:build !darwin

package transport

import (
	"strconv"

	"go.bug.st/serial/enumerator"

	"specter/internal/signer"
)

// serialPorts lists USB serial ports with their ids.
func serialPorts(root string) ([]signer.Port, error) {
	if root != "" {
		return nil, nil // the library reads the real machine alone
	}
	details, err := enumerator.GetDetailedPortsList()
	if err != nil {
		return serialNames()
	}
	var list []signer.Port
	for _, d := range details {
		if !d.IsUSB {
			continue
		}
		p := serialPort(d.Name)
		p.Vendor, p.Product, p.Serial = hexID(d.VID), hexID(d.PID), d.SerialNumber
		p.Manufacturer, p.ProductName = d.Manufacturer, d.Product
		list = append(list, p)
	}
	return list, nil
}

func hexID(s string) uint16 {
	n, err := strconv.ParseUint(s, 16, 16)
	if err != nil {
		return 0
	}
	return uint16(n)
}
