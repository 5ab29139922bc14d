! Woodward and Colella's blast waves with Clawpack's classic solver; linked with its sources by clawpack_setup.sh.
! usage: clawpack-euler1d CELLS [FILE]    prints: steps, attempted steps, seconds, CPU seconds, least and largest step
! FILE receives the last state: doubles, component fastest.
program clawpack_1d
  implicit none
  integer, parameter :: dp = kind(1d0), equations = 3, waves = 3, ghosts = 2
  integer :: cells, i, info, work_size, steps(2), method(7), limiters(waves), boundary(2), attempts
  integer(8) :: start, finish, rate
  real(dp) :: gamma, dx, end_time, step(5), cfl(4), pressure, cpu_start, cpu_finish
  real(dp), allocatable :: q(:, :), aux(:, :), work(:)
  character(len=4096) :: argument
  external :: claw1, bc1, rp1, src1, b4step1
  common /cparam/ gamma
  common /counted/ attempts

  call get_command_argument(1, argument)
  read (argument, *) cells
  gamma = 1.4_dp
  dx = 1.0_dp / cells
  allocate (q(equations, 1 - ghosts:cells + ghosts), aux(1, 1 - ghosts:cells + ghosts))
  q = 0
  do i = 1, cells
    pressure = 0.01_dp
    if ((i - 0.5_dp) * dx < 0.1_dp) pressure = 1000
    if ((i - 0.5_dp) * dx > 0.9_dp) pressure = 100
    q(:, i) = [1.0_dp, 0.0_dp, pressure / (gamma - 1)]
  end do
  work_size = (cells + 2 * ghosts) * (2 + 4 * equations + waves + equations * waves)
  allocate (work(work_size))
  method = [1, 2, 0, 0, 0, 0, 0] ! variable steps, second order; no printing, source, capacity, auxiliary fields
  limiters = 4                   ! monotonized central
  boundary = 3                   ! walls
  steps = [huge(0), 0]
  cfl = [1.0_dp, 0.9_dp, 0.0_dp, 0.0_dp]
  step = [0.4_dp * dx / sqrt(gamma * 1000), 1d99, 0.0_dp, 0.0_dp, 0.0_dp] ! the first step, the largest
  end_time = 0.038_dp
  attempts = 0

  call cpu_time(cpu_start)
  call system_clock(start, rate)
  call claw1(equations, waves, 0, ghosts, cells, q, aux, 0.0_dp, dx, 0.0_dp, end_time, step, cfl, steps, method, &
             limiters, boundary, work, work_size, .false., info, bc1, rp1, src1, b4step1)
  call system_clock(finish)
  call cpu_time(cpu_finish)
  if (info /= 0) error stop 'claw1 failed'
  print *, steps(2), attempts, real(finish - start, dp) / rate, cpu_finish - cpu_start, step(3:4)
  if (command_argument_count() > 1) then
    call get_command_argument(2, argument)
    open (10, file=trim(argument), access='stream', form='unformatted', status='replace')
    write (10) q(:, 1:cells)
  end if
end program

! Called before every attempted step.
subroutine b4step1(ghosts, cells, equations, q, left, dx, t, dt, fields, aux)
  implicit none
  integer :: ghosts, cells, equations, fields, attempts
  double precision :: q(*), left, dx, t, dt, aux(*)
  common /counted/ attempts
  attempts = attempts + 1
end subroutine
