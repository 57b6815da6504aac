package difftest_test

func descriptors(w *world) {}
