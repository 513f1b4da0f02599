"""pictor_agent.solver where processors count as GPUs: the kernels run by pocl, so that no GPU is needed."""

from pictor_agent import opencl, solver

if __name__ == "__main__":
    solver.main(opencl.ALL)
